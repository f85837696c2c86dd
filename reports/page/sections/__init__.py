"""The sections of the page, all of one shape; none imports another.

Each module makes what one section shows: its pictures, its tables and its sentences. It offers

``section(summary)``
    What the section's template is given, under the module's name: a dictionary; None where the page has no such
    section. `summary` is what ``summary.json`` holds, its names made printable.
``ANCHOR``, ``TITLE``
    The section's id in the page and its heading. Without them it stands inside another section, whose template
    includes its own.

Its template is ``templates/sections/NAME.html``. To add a section: a module, a template, a line in
`reports.page.page`, a test. What two sections share lies in `reports.page.table` or `reports.page.drawing`.
"""
