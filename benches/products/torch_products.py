"""Answers lines `m k n NN f32 threads` with the least seconds of torch.matmul, its result's memory given."""
import sys, time, torch

for line in sys.stdin:
    m, k, n, layout, dtype, threads = line.split()
    m, k, n = int(m), int(k), int(n)
    torch.set_num_threads(int(threads))
    dtype = {"f32": torch.float32, "f64": torch.float64}[dtype]
    a = torch.rand(k, m, dtype=dtype).t() if layout == "TN" else torch.rand(m, k, dtype=dtype)
    b = torch.rand(n, k, dtype=dtype).t() if layout == "NT" else torch.rand(k, n, dtype=dtype)
    out = torch.empty(m, n, dtype=dtype)
    best, calls, began = float("inf"), 1, time.perf_counter()
    with torch.inference_mode():
        while time.perf_counter() - began < 0.04:
            start = time.perf_counter()
            for _ in range(calls):
                torch.matmul(a, b, out=out)
            took = time.perf_counter() - start
            best = min(best, took / calls)
            if took < 2e-5:
                calls *= 2
    print(best, flush=True)
