"""Signs in as an application does, with azure-identity, and prints whom the token speaks for. The token is not printed."""

import base64
import json
import sys

from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

kind = {"managed": ManagedIdentityCredential, "default": DefaultAzureCredential}[sys.argv[1]]
try:
    token = kind().get_token("https://management.azure.com/.default").token
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
claims = token.split(".")[1]
print(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"])
