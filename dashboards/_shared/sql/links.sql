-- Where a click leads: the dashboard of the area's tier, with the filters carried along.
carried AS (
  SELECT
    (SELECT min(topic_name) FROM topic_names WHERE topic_name = carried_topic) AS topic,
    (SELECT min(metric_name) FROM metrics WHERE metric_name = carried_metric) AS metric
),
filters AS (
  SELECT a.area_code, a.area_title, a.area_name, a.tier, c.choice,
         '(' || array_to_string(list_transform(
           list_filter(
             [['area', 'area_title', a.area_title], ['period', 'choice', c.choice],
              ['topic', 'topic_name', k.topic], ['metric', 'map_metric', k.metric]],
             f -> f[3] IS NOT NULL),
           f -> 'NATIVE_FILTER-' || f[1] || ':(extraFormData:(filters:!((col:' || f[2]
             || ',op:IN,val:!(''' || f[3] || ''')))),filterState:(label:''' || f[3]
             || ''',value:!(''' || f[3] || ''')),id:NATIVE_FILTER-' || f[1] || ',ownState:())'
         ), ',') || ')' AS chosen
  FROM areas a CROSS JOIN choices c CROSS JOIN carried k
),
links AS (
  SELECT area_code, area_title, area_name, choice,
         '/superset/dashboard/' || tier || '/?standalone=1&native_filters='
           || url_encode(chosen) AS wall_link,
         '/superset/dashboard/' || tier || '-office/?native_filters='
           || url_encode(chosen) AS office_link
  FROM filters
)
