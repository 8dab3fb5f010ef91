INSERT INTO plain SELECT n / 20, 1 + n % 20 FROM nextval('plain_events') n;
