"""The function host: the program that runs in an app's own environment, standard library and `azure-functions` only.

It takes the place of the Functions runtime and of its Python worker. Its modules import each other relatively: `start` loads them under
a name that no app has, so that nothing of the emulator can be imported by an app, and no module of an app is hidden.
"""
