// SPDX-License-Identifier: MIT
//
// The works of bench/ as a Tokio programmer would write them.  One worker is
// the multi-thread scheduler with one thread, as it is for gofer.
//
// usage: peer_tokio WORK WORKERS [HOST:PORT]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, Mutex, Notify};

const MILLION: usize = 1_000_000;

fn figure(key: &str, value: f64) {
    println!("figure {key} {value:.6}");
}

fn ns(since: Instant) -> f64 {
    since.elapsed().as_nanos() as f64
}

fn cpu_seconds() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

fn proc_bytes(file: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}"));
    text.unwrap_or_default()
        .lines()
        .find_map(|l| l.strip_prefix(key))
        .and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or(0.0)
        * 1024.0
}

fn peak_mb() -> f64 {
    proc_bytes("status", "VmHWM:") / 1048576.0
}

async fn yields() {
    for tasks in [2usize, 1000] {
        const TURNS: usize = 4 * MILLION;
        let began = Instant::now();
        let all: Vec<_> = (0..tasks)
            .map(|_| {
                tokio::spawn(async move {
                    for _ in 0..TURNS / tasks {
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for t in all {
            t.await.unwrap();
        }
        figure(&format!("yield.{tasks}"), ns(began) / TURNS as f64);
    }
}

async fn spawns(workers: usize) {
    const BATCH: usize = 1000;
    let mut all = Vec::with_capacity(BATCH);
    let began = Instant::now();
    for _ in 0..MILLION / BATCH {
        all.extend((0..BATCH).map(|_| tokio::spawn(async {})));
        for t in all.drain(..) {
            t.await.unwrap();
        }
    }
    figure(&format!("spawn.batch.{workers}"), ns(began) / MILLION as f64);
    if workers != 1 {
        return;
    }
    let began = Instant::now();
    for _ in 0..MILLION {
        tokio::spawn(async {}).await.unwrap();
    }
    figure("spawn.one", ns(began) / MILLION as f64);
}

async fn parked() {
    let wake = Arc::new(Notify::new());
    let ready = Arc::new(AtomicUsize::new(0));
    let mut all = Vec::with_capacity(MILLION);
    let rss = proc_bytes("smaps_rollup", "Rss:");
    let tables = proc_bytes("status", "VmPTE:");
    let began = Instant::now();
    for _ in 0..MILLION {
        let (wake, ready) = (wake.clone(), ready.clone());
        all.push(tokio::spawn(async move {
            let woken = wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            ready.fetch_add(1, Ordering::Relaxed);
            woken.await;
        }));
    }
    while ready.load(Ordering::Relaxed) < MILLION {
        tokio::task::yield_now().await;
    }
    let took = ns(began);
    let each = |bytes: f64| bytes / MILLION as f64;
    figure("parked.bytes", each(proc_bytes("smaps_rollup", "Rss:") - rss));
    figure("parked.tables", each(proc_bytes("status", "VmPTE:") - tables));
    let began = Instant::now();
    wake.notify_waiters();
    for t in all {
        t.await.unwrap();
    }
    figure("parked.time", (took + ns(began)) / MILLION as f64);
}

async fn channels(workers: usize) {
    let (tx, mut rx) = mpsc::channel::<u64>(128);
    let began = Instant::now();
    let sender = tokio::spawn(async move {
        for i in 0..MILLION {
            tx.send(i as u64).await.unwrap();
        }
    });
    let receiver = tokio::spawn(async move {
        while rx.recv().await.is_some() {}
    });
    sender.await.unwrap();
    receiver.await.unwrap();
    let key = format!("chan.1to1.{workers}");
    figure(&key, ns(began) / MILLION as f64);

    const TURNS: usize = MILLION / 2;
    let (there, mut out) = mpsc::channel::<u64>(1);
    let (back, mut home) = mpsc::channel::<u64>(1);
    let echo = tokio::spawn(async move {
        while let Some(v) = out.recv().await {
            back.send(v).await.unwrap();
        }
    });
    let ask = tokio::spawn(async move {
        let began = Instant::now();
        for i in 0..TURNS {
            there.send(i as u64).await.unwrap();
            home.recv().await.unwrap();
        }
        ns(began) / TURNS as f64
    });
    figure(&format!("chan.pingpong.{workers}"), ask.await.unwrap());
    echo.await.unwrap();
}

async fn mutex(workers: usize) {
    const TURNS: usize = 2 * MILLION;
    const TASKS: usize = 8;
    let shared = Arc::new(Mutex::new(0usize));
    let began = Instant::now();
    let all: Vec<_> = (0..TASKS)
        .map(|_| {
            let shared = shared.clone();
            tokio::spawn(async move {
                for _ in 0..TURNS / TASKS {
                    *shared.lock().await += 1;
                }
            })
        })
        .collect();
    for t in all {
        t.await.unwrap();
    }
    figure(&format!("mutex.{workers}"), ns(began) / TURNS as f64);
    if workers == 1 {
        let began = Instant::now();
        for _ in 0..TURNS {
            *shared.lock().await += 1;
        }
        figure("mutex.free", ns(began) / TURNS as f64);
    }
}

async fn selects() {
    for (key, filled) in
        [("select.one", 1), ("select.all", 4), ("select.wait", 0)]
    {
        let (tx, mut rx): (Vec<_>, Vec<_>) =
            (0..4).map(|_| mpsc::channel::<u64>(1)).unzip();
        for t in tx.iter().take(filled) {
            t.send(1).await.unwrap();
        }
        let sender = if filled == 0 {
            let tx = tx.clone();
            Some(tokio::spawn(async move {
                for i in 0..MILLION {
                    tx[i % 4].send(1).await.unwrap();
                }
            }))
        } else {
            None
        };
        let [a, b, c, d] = &mut rx[..] else { unreachable!() };
        let began = Instant::now();
        for _ in 0..MILLION {
            let from = tokio::select! {
                _ = a.recv() => 0,
                _ = b.recv() => 1,
                _ = c.recv() => 2,
                _ = d.recv() => 3,
            };
            if filled > 0 {
                tx[from].send(1).await.unwrap();
            }
        }
        figure(key, ns(began) / MILLION as f64);
        if let Some(s) = sender {
            s.await.unwrap();
        }
    }
}

type Sum = std::pin::Pin<Box<dyn std::future::Future<Output = i64> + Send>>;

fn node(first: i64, leaves: i64) -> Sum {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let branches: Vec<_> = (0..10)
            .map(|i| tokio::spawn(node(first + i * leaves / 10, leaves / 10)))
            .collect();
        let mut sum = 0;
        for b in branches {
            sum += b.await.unwrap();
        }
        sum
    })
}

async fn skynet(workers: usize) {
    let leaves = MILLION as i64;
    let began = Instant::now();
    assert_eq!(node(0, leaves).await, leaves * (leaves - 1) / 2);
    figure(&format!("skynet.{workers}"), ns(began) / 1e6);
    figure(&format!("skynet.mb.{workers}"), peak_mb());
}

async fn round_of_sleeps(late: &mut Vec<Duration>) -> f64 {
    let mut seed = 1u64;
    let cpu = cpu_seconds();
    let all: Vec<_> = (0..MILLION)
        .map(|_| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let d = Duration::from_millis(1 + (seed >> 33) % 1000);
            tokio::spawn(async move {
                let due = Instant::now() + d;
                tokio::time::sleep(d).await;
                Instant::now().saturating_duration_since(due)
            })
        })
        .collect();
    late.clear();
    for t in all {
        late.push(t.await.unwrap());
    }
    cpu_seconds() - cpu
}

async fn timers() {
    let mut late = Vec::with_capacity(MILLION);
    figure("timers.cold", round_of_sleeps(&mut late).await);
    late.sort();
    figure("timers.late", late[MILLION / 100 * 99].as_secs_f64() * 1e3);
    figure("timers.warm", round_of_sleeps(&mut late).await);
    figure("timers.peak", peak_mb());
}

async fn arm() {
    let began = Instant::now();
    let hour = Duration::from_secs(3600);
    for _ in 0..MILLION {
        tokio::select! {
            biased;
            _ = tokio::time::sleep(hour) => (),
            _ = async {} => (),
        }
    }
    figure("timer.arm", ns(began) / MILLION as f64);
}

async fn blocking() {
    const TURNS: usize = 20_000;
    for (key, callers) in [("blocking.one", 1), ("blocking.many", 64)] {
        let began = Instant::now();
        let all: Vec<_> = (0..callers)
            .map(|_| {
                tokio::spawn(async move {
                    for _ in 0..TURNS / callers {
                        tokio::task::spawn_blocking(|| ()).await.unwrap();
                    }
                })
            })
            .collect();
        for t in all {
            t.await.unwrap();
        }
        figure(key, ns(began) / 1e3 / (TURNS / callers * callers) as f64);
    }
}

async fn echo(address: &str) {
    // As long a queue as the other servers have.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address.parse().unwrap()).unwrap();
    let listener = socket.listen(4096).unwrap();
    loop {
        let Ok((mut c, _)) = listener.accept().await else { continue };
        let _ = c.set_nodelay(true);
        tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(n) = c.read(&mut buffer).await {
                if n == 0 || c.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let workers = args[2].parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .unwrap();
    // In a task, not on the main thread: that would wake the worker each time.
    let work = args[1].clone();
    let task = runtime.spawn(async move {
        match work.as_str() {
            "yield" => yields().await,
            "spawn" => spawns(workers).await,
            "parked" => parked().await,
            "chan" => channels(workers).await,
            "mutex" => mutex(workers).await,
            "select" => selects().await,
            "skynet" => skynet(workers).await,
            "timers" => timers().await,
            "deadline" => arm().await,
            "blocking" => blocking().await,
            "echo" => echo(&args[3]).await,
            _ => panic!("no such work"),
        }
    });
    runtime.block_on(task).unwrap();
}
