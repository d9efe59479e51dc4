-- include base
-- include shown
SELECT area_title, area_code, choice, metric_id, metric_name, topic_name, definition, unit, value,
       shown, state, reason, change_shown, change_kind, year_shown, above_shown,
       coalesce(grade, '') AS grade, grade_reason, period_shown, as_of
FROM shown_values
