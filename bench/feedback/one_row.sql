INSERT INTO one_row SELECT n / 20, 1 + n % 20 FROM nextval('one_row_events') n;
