-- include base
-- include shown
-- include links
-- The areas within an area, for map and ranking; a community stands alone.
pairs AS (
  SELECT o.area_title, o.area_code AS of_code, a.area_code
  FROM areas o JOIN areas a ON a.above_code = o.area_code
  UNION ALL
  SELECT area_title, area_code, area_code FROM areas WHERE tier = 'community'
),
rings AS (
  SELECT area_code, i AS polygon,
         unnest(CAST(json_extract(part, '$') AS DOUBLE[][][])) AS ring,
         generate_subscripts(CAST(json_extract(part, '$') AS DOUBLE[][][]), 1) AS hole
  FROM (
    SELECT area_code,
           unnest(CASE WHEN json_extract_string(outline, '$.type') = 'Polygon'
                       THEN [json_extract(outline, '$.coordinates')]
                       ELSE CAST(json_extract(outline, '$.coordinates') AS JSON[]) END) AS part,
           generate_subscripts(
             CASE WHEN json_extract_string(outline, '$.type') = 'Polygon' THEN [1]
                  ELSE CAST(json_extract(outline, '$.coordinates') AS JSON[]) END, 1) AS i
    FROM space_areas
  )
),
points AS (
  SELECT area_code, polygon, hole, unnest(ring) AS point, generate_subscripts(ring, 1) AS n
  FROM rings
),
boxes AS (
  SELECT p.of_code, min(q.point[1]) AS west, max(q.point[1]) AS east, min(q.point[2]) AS south,
         max(q.point[2]) AS north
  FROM pairs p JOIN points q ON q.area_code = p.area_code GROUP BY p.of_code
),
frames AS (
  SELECT of_code, west, north, cos(radians((south + north) / 2)) AS squeeze,
         1000 / greatest((east - west) * cos(radians((south + north) / 2)),
                         (north - south) * 1.4) AS scale,
         north - south AS tall,  (east - west) * cos(radians((south + north) / 2)) AS wide
  FROM boxes
),
outlines AS (
  SELECT of_code, area_code, string_agg(d, ' ') AS d FROM (
    SELECT p.of_code, q.area_code, q.polygon, q.hole,
           'M' || string_agg(
             round((q.point[1] - f.west) * f.squeeze * f.scale, 1) || ' '
             || round((f.north - q.point[2]) * f.scale, 1), 'L' ORDER BY q.n) || 'Z' AS d
    FROM pairs p JOIN frames f ON f.of_code = p.of_code JOIN points q ON q.area_code = p.area_code
    GROUP BY p.of_code, q.area_code, q.polygon, q.hole
  ) GROUP BY of_code, area_code
)
SELECT p.area_title, p.area_code AS area_code, s.area_name AS lower_name, s.choice,
       s.metric_name AS map_metric, s.metric_id, s.definition, s.unit, s.value, s.shown, s.state,
       s.reason, s.change_shown, s.change_kind, s.period_shown, s.as_of, l.wall_link,
       l.office_link, o.d,
       round((g.centre_longitude - f.west) * f.squeeze * f.scale, 1) AS x,
       round((f.north - g.centre_latitude) * f.scale, 1) AS y,
       round(f.wide * f.scale) AS width, round(f.tall * f.scale) AS height,
       CASE WHEN s.state <> 'good' THEN 'none'
            ELSE CAST(least(4, CAST(floor(5 * percent_rank() OVER w) AS INTEGER)) AS VARCHAR)
       END AS colour,
       row_number() OVER (PARTITION BY p.of_code, s.choice, s.metric_id
                          ORDER BY s.value DESC NULLS LAST, p.area_code) AS place,
       round(100 * s.value / nullif(max(s.value) OVER (
         PARTITION BY p.of_code, s.choice, s.metric_id), 0), 1) AS portion
FROM pairs p
JOIN shown_values s ON s.area_code = p.area_code
JOIN space_areas g ON g.area_code = p.area_code
JOIN frames f ON f.of_code = p.of_code
JOIN outlines o ON o.of_code = p.of_code AND o.area_code = p.area_code
JOIN links l ON l.area_code = p.area_code AND l.choice = s.choice
WINDOW w AS (PARTITION BY p.of_code, s.choice, s.metric_id,
             s.state = 'good' ORDER BY s.value)
