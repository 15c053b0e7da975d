"""The measuring laboratory: sallyport beside plain kernel forwarding and the programs a user would pick instead."""
