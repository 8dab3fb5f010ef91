INSERT INTO plain SELECT n / 640 * 32 + n % 32, 1 + n / 32 % 20 FROM nextval('plain_events') n;
