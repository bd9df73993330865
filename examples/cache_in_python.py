"""The cache engine from Python, through its C interface: no server, nothing to install but the library.

    python3 examples/cache_in_python.py build/release/engine/liblarder.so /tmp/answers

Computes an answer once, however often it is asked for; run it again, and it is not computed at all.
"""
import ctypes as c
import sys
import time

OK = 0
HIT, LEASE, FLIGHT = 0, 1, 2
FOREVER = 2**63 - 1


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("message", c.c_char * 508)]


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("directory", c.c_char_p),
                ("max_disk_bytes", c.c_uint64), ("max_memory_bytes", c.c_uint64),
                ("max_body_bytes", c.c_uint64), ("default_ttl_ms", c.c_int64),
                ("ttl_jitter", c.c_double), ("stale_while_revalidate_ms", c.c_int64),
                ("stale_if_error_ms", c.c_int64), ("sync_puts", c.c_int),
                ("fail_on_corruption", c.c_int), ("compression_level", c.c_int),
                ("log", c.c_void_p), ("log_context", c.c_void_p)]


class Acquired(c.Structure):
    _fields_ = [("kind", c.c_int), ("entry", c.c_void_p), ("lease", c.c_void_p),
                ("flight", c.c_void_p), ("stale", c.c_int)]


class EntryInfo(c.Structure):
    _fields_ = [("body", c.c_void_p), ("body_size", c.c_size_t),
                ("metadata", c.c_void_p), ("metadata_size", c.c_size_t),
                ("created_unix_ms", c.c_int64), ("fresh_until_unix_ms", c.c_int64),
                ("expires_unix_ms", c.c_int64), ("cost_microusd", c.c_uint64),
                ("compute_time_ms", c.c_int64), ("number", c.c_uint64), ("tag_count", c.c_size_t)]


class Cache:
    """One process at a time holds a directory. Any thread may use the cache."""

    def __init__(self, library, directory):
        self.lib = c.CDLL(library)
        for free in ("larder_free", "larder_entry_free", "larder_lease_free", "larder_flight_free"):
            getattr(self.lib, free).argtypes = [c.c_void_p]
            getattr(self.lib, free).restype = None
        options = Options()
        self.lib.larder_options_init_sized(c.byref(options), c.c_size_t(c.sizeof(options)))
        options.directory = directory.encode()
        self.cache = c.c_void_p()
        self._check("larder_open", c.byref(options), c.byref(self.cache))

    def close(self):
        self.lib.larder_free(self.cache)
        self.cache = None

    def get_or_compute(self, key, compute):
        """The bytes for `key`; of all who miss at once, one calls compute()."""
        acquired = Acquired()
        self._check("larder_acquire", self.cache, key, c.c_size_t(len(key)), None,
                    c.byref(acquired))
        if acquired.kind == HIT:
            return self._take(acquired.entry)
        entry = c.c_void_p()
        if acquired.kind == FLIGHT:
            try:
                self._check("larder_flight_wait", c.c_void_p(acquired.flight), c.c_int64(FOREVER),
                            c.byref(entry))
            finally:
                self.lib.larder_flight_free(acquired.flight)
            return self._take(entry.value)
        try:
            body = compute()
        except BaseException:
            self.lib.larder_lease_free(acquired.lease)  # the next one who asks computes
            raise
        self._check("larder_lease_commit", c.c_void_p(acquired.lease), body,
                    c.c_size_t(len(body)), None, c.byref(entry), None)
        return self._take(entry.value)

    def _take(self, entry):
        info = EntryInfo()
        self.lib.larder_entry_get_info(c.c_void_p(entry), c.byref(info))
        body = c.string_at(info.body, info.body_size)
        self.lib.larder_entry_free(entry)
        return body

    def _check(self, function, *arguments):
        error = Error()
        if getattr(self.lib, function)(*arguments, c.byref(error)) != OK:
            raise RuntimeError(f"{function}: {error.message.decode()}")


def slow_answer():
    print("computing ...")
    time.sleep(0.2)
    return b"42, after much thought"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    cache = Cache(sys.argv[1], sys.argv[2])
    for _ in range(3):
        start = time.monotonic()
        answer = cache.get_or_compute(b"the question", slow_answer)
        print(f"{answer.decode()} ({(time.monotonic() - start) * 1e3:.2f} ms)")
    cache.close()


main()
