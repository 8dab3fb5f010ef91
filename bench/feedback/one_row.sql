INSERT INTO one_row SELECT n / 640 * 32 + n % 32, 1 + n / 32 % 20 FROM nextval('one_row_events') n;
