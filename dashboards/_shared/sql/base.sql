-- What every panel is made of: areas, periods to choose, the metric book and its newest values.
-- A stock has one state, so it stands under every period that can be chosen.
choices(period, choice, step) AS (
  VALUES ('day', '日', 1), ('week', '周', 2), ('month', '月', 3), ('quarter', '季', 4),
         ('year', '年', 5), ('to_date', '累计', 6)
),
feed_names(feed, feed_name) AS (VALUES @@feeds@@),
topic_names(topic, topic_name) AS (VALUES @@topics@@),
areas AS (
  SELECT area_code, area_name, tier, community_count,
         area_name || ' ' || area_code AS area_title,
         CASE length(area_code) WHEN 12 THEN left(area_code, 9)
                                WHEN 9 THEN left(area_code, 6) END AS above_code
  FROM space_areas WHERE tier IN ('district', 'street', 'community')
),
book AS (
  SELECT m.metric_id, m.metric_name, m.kind, m.definition, replace(m.unit, 'm2', 'm²') AS unit,
         m.adds_up, m.is_daily, coalesce(t.topic_name, m.topic) AS topic_name,
         f.feed_names
  FROM metrics m
  LEFT JOIN topic_names t ON t.topic = m.topic
  LEFT JOIN (
    SELECT n.metric_id, string_agg(coalesce(f.feed_name, n.feed), '、') AS feed_names
    FROM (SELECT metric_id, unnest(string_split(feeds, '、')) AS feed FROM metrics) n
    LEFT JOIN feed_names f ON f.feed = n.feed
    GROUP BY n.metric_id
  ) f ON f.metric_id = m.metric_id
),
chosen_values AS (
  SELECT v.*, c.choice FROM metric_values v JOIN choices c ON c.period = v.period
  WHERE v.is_newest
  UNION ALL
  SELECT v.*, c.choice FROM metric_values v CROSS JOIN choices c
  WHERE v.is_newest AND v.period = 'as_of'
)
