"""Exports: the books in the forms that others read: EPCIS, spreadsheets, reports, GS1 keys, papers, labels, tables, news."""
