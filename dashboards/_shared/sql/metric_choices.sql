SELECT m.metric_name AS map_metric, coalesce(t.topic_name, m.topic) AS topic_name
FROM metrics m
LEFT JOIN (VALUES @@topics@@) t(topic, topic_name) ON t.topic = m.topic
