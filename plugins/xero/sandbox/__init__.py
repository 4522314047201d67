"""A Xero that runs here: identity, connections and the Accounting API, for rehearsals and tests.

It shares no code with the rest of the plugin, so that the two cannot be wrong in the same way. What it knows of
Xero's behaviour comes from the API facts; a comment such as "API facts 4.8" names the paragraph.
"""
