INSERT INTO slots SELECT n / 20, 1 + n % 20 FROM nextval('slots_events') n;
