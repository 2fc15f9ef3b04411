"""Why a row of the table is out of band, in one or two sentences: look, find the cause, write it here.

The text is printed with a row that is out; `test_physics` refuses such a row without one.
"""

WHY = {}
