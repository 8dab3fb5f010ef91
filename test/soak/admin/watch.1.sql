BEGIN;
SELECT bandit.unwatch('shop', 'clicks');
SELECT bandit.watch('shop', 'clicks', 'click');
COMMIT;
