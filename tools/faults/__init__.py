"""What the crash points and the soak share: a running Kith to hurt, clients that use it, and what must hold after."""
