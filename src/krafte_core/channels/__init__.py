"""Sales channels: what the shops on the net send becomes orders, and what happened here is told to them. All of it without network.

One module for each channel, each with a `Channel`: `shopify`, `etsy`, `amazon`, `ebay`, `woocommerce`, `bigcommerce`; wholesale
customers come through `wholesale`, `x12` and `edifact`. Nothing is imported before it is asked for.

>>> from krafte_core.channels import ChannelError, shopify
>>> channel = shopify.Channel("seife.example", secret="shpss_example", skus={"SOAP-LAV": "soap-bar"})
>>> try:
...     channel.read_webhook(b"{}", {})
... except ChannelError as error:
...     print(error.code)
bad_signature
"""

from krafte_core.errors import BadPayload, BadSignature, ChannelError, ChannelRefused, Replayed, WrongAccount

__all__ = ["BadPayload", "BadSignature", "ChannelError", "ChannelRefused", "Replayed", "WrongAccount"]
