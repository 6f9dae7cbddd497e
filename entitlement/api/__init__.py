"""The HTTP service: routes that read a request, call one flow, and write its answer."""
