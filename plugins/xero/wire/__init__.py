"""What goes over the wire to Xero and comes back: schemas, numbers, dates, envelopes. Facts about the API only; no decisions."""
