"""Relaxation, retention, endurance and pulses."""
