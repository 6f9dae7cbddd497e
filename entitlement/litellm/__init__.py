"""LiteLLM's proxy as a gateway of the credit protocol; docs/clients.md says how it is set up."""
