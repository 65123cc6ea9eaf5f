"""Asks one of Microsoft's Python clients for a token, once for each set of variables, and tells what it said.

`precedence.py CLIENT CERTIFICATE` adds a key to the file with the certificate, then reads one JSON object of variables per line and answers each with one line, when the client has given
up or has a token. Every set is played in a process of its own, forked after the client was loaded: none of these clients
reads a variable of interest, or keeps a choice, before it is asked. Where the requests went the listeners know; it does not judge.
"""

import importlib
import json
import os
import sys

RESOURCE = "https://management.azure.com"
SCOPE = RESOURCE + "/.default"


def identity(kind):
    return getattr(importlib.import_module("azure.identity"), kind)().get_token(SCOPE)


def identity_aio(kind):
    import asyncio

    async def ask():
        async with getattr(importlib.import_module("azure.identity.aio"), kind)() as credential:
            await credential.get_token(SCOPE)

    asyncio.run(ask())


def msal():
    import msal
    import requests

    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    answer = client.acquire_token_for_client(resource=RESOURCE)
    if "access_token" not in answer:
        raise RuntimeError(f"{answer.get('error')}: {answer.get('error_description')}")


def azure_cli():
    """What azure/cli/__main__.py does for `az login --identity`."""
    from azure.cli.core import get_default_cli

    code = get_default_cli().invoke(["login", "--identity", "--allow-no-subscriptions"])
    if code:
        raise RuntimeError(f"exit code {code}")


def msrestazure():
    from msrestazure.azure_active_directory import MSIAuthentication

    MSIAuthentication(resource=RESOURCE)


# What each loads before it is asked, and how it is asked.
CLIENTS = {
    "managed": (["azure.identity"], lambda: identity("ManagedIdentityCredential")),
    "default": (["azure.identity"], lambda: identity("DefaultAzureCredential")),
    "aio-managed": (["azure.identity.aio", "aiohttp"], lambda: identity_aio("ManagedIdentityCredential")),
    "aio-default": (["azure.identity.aio", "aiohttp"], lambda: identity_aio("DefaultAzureCredential")),
    "msal": (["msal", "requests"], msal),
    "azure-cli": (["azure.cli.core", "azure.cli.command_modules.profile.custom", "msal", "requests"], azure_cli),
    "msrestazure": (["msrestazure.azure_active_directory"], msrestazure),
}


def add_key(file):
    """These clients want an RSA key for a service principal's certificate; nobody looks whether the two belong together."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with open(file, "ab") as certificate:
        certificate.write(key.private_bytes(serialization.Encoding.PEM, *form))


def play(ask, variables, answers):
    """In a child of its own: the variables, the client, one line."""
    os.environ.update(variables)
    try:
        ask()
        said = "a token"
    except SystemExit as end:
        said = f"exit code {end.code}"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    os.write(answers, (json.dumps({"said": said}) + "\n").encode())


def main():
    modules, ask = CLIENTS[sys.argv[1]]
    if sys.argv[1].endswith("default"):
        add_key(sys.argv[2])
    for module in modules:
        importlib.import_module(module)
    # Standard output is for the answers alone: clients print.
    answers = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            play(ask, json.loads(line), answers)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            os.write(answers, b'{"said": "it died"}\n')


main()
