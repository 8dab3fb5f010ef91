INSERT INTO decided SELECT gen_random_uuid(), 'six', 6, now(), '{a,b,c,d,e,f}', '{21,21,21,21,21,21}', '{41,41,41,41,41,41}', '{a}';
