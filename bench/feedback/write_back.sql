SELECT alpha FROM state WHERE arm = 'written back' \gset
UPDATE state SET alpha = :alpha + 1 WHERE arm = 'written back';
