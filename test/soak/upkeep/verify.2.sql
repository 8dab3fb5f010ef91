SELECT count(*) FROM unnest('{shop,plain,fades}'::text[]) name, LATERAL bandit.verify(name);
