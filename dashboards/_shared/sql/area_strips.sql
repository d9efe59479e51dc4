-- include base
-- include links
-- Title strip: which area, as of when, from which generation, how good on the whole.
graded AS (
  SELECT v.area_code, v.choice, max(v.as_of_day) AS as_of_day,
         count(*) FILTER (v.grade = 'A') AS a, count(*) FILTER (v.grade = 'B') AS b,
         count(*) FILTER (v.grade = 'C') AS c
  FROM chosen_values v JOIN areas o ON o.area_code = v.area_code AND o.tier = v.tier
  GROUP BY v.area_code, v.choice
),
generation AS (
  SELECT max(nullif(regexp_extract(path, '/(g[0-9]+)-[^/]*/[^/]*$', 1), '')) AS name
  FROM duckdb_databases()
)
SELECT a.area_title, a.area_code, a.area_name, c.choice,
       CASE a.tier WHEN 'district' THEN '区县' WHEN 'street' THEN '街道镇' ELSE '社区村' END
         AS tier_name,
       strftime(g.as_of_day, '%Y-%m-%d') AS as_of, coalesce(n.name, '未知') AS generation,
       coalesce(g.a, 0) AS grade_a, coalesce(g.b, 0) AS grade_b, coalesce(g.c, 0) AS grade_c,
       CASE WHEN g.a IS NULL THEN '无' WHEN g.c * 5 >= g.a + g.b + g.c THEN 'C'
            WHEN g.a * 10 >= (g.a + g.b + g.c) * 9 THEN 'A' ELSE 'B' END AS overall,
       u.area_name AS above_name, u.wall_link AS above_wall, u.office_link AS above_office,
       t.area_name AS top_name, t.wall_link AS top_wall, t.office_link AS top_office,
       o.wall_link, o.office_link
FROM areas a CROSS JOIN choices c CROSS JOIN generation n
LEFT JOIN graded g ON g.area_code = a.area_code AND g.choice = c.choice
LEFT JOIN links o ON o.area_code = a.area_code AND o.choice = c.choice
LEFT JOIN links u ON u.area_code = a.above_code AND u.choice = c.choice
LEFT JOIN links t ON t.area_code = left(a.area_code, 6) AND t.choice = c.choice
  AND length(a.area_code) = 12
