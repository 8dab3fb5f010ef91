INSERT INTO slots SELECT n / 640 * 32 + n % 32, 1 + n / 32 % 20 FROM nextval('slots_events') n;
