"""Stage 6, the only place that talks to providers: an HTTP/1.1 client of callbacks, made for many short requests.

``client`` opens and pools connections, ``connection`` speaks HTTP on one of them, ``tunnel`` goes through proxies,
``address`` says which URL and headers a target wants.
"""
