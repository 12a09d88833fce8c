"""Run a service: lifecycle, delivery, projections, leader election, telemetry and settings."""
