SELECT area_name || ' ' || area_code AS area_title, area_code, tier
FROM space_areas
