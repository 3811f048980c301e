"""What each page shows: functions from the site and a request to a template's values. They block; no page changes
anything except through `actions`."""
