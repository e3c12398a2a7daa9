//! Portal pages a second, beside a fixed answer of the same size from axum in the same run.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, http::StatusCode, http::header, routing::get};
use futures::future::try_join_all;
use tokio::{runtime::Runtime, time::Instant};

use crate::{
    Outcome, customers,
    line::Line,
    report::{Samples, millis},
    world::{ROUTER, World},
};

/// The encodings that a browser on a phone takes.
const AS_PHONE: &str = "gzip, deflate, br";
const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);
/// Clock ticks a second in `/proc/*/stat`, the same on every Linux.
const TICKS: f64 = 100.0;

/// How fast one address was served.
struct Rate {
    per_second: f64,
    times: Samples,
}

/// Measures the page of a device that is to buy, and that of one which is online.
pub(crate) async fn measure(world: &mut World) -> Outcome<()> {
    let buyer = world.next_customer()?.mac;
    customers::serve(world).await?;
    let online = world.latest_mac();
    println!("\nPortal pages, {CONNECTIONS} kept connections, {} s each (ms)", MEASURED.as_secs());
    println!("{:<42}{:>8}{:>10}{:>10}{:>10}{:>12}", "", "bytes", "a second", "median", "p99", "server CPU");
    for (name, mac) in [("GET /w/main, to buy", buyer), ("GET /w/main, online", online)] {
        let path = format!("/w/{ROUTER}?mac={mac}");
        let page = Line::open(world.address).await?.get_as(&path, AS_PHONE).await?.wanted(StatusCode::OK)?.body;
        let fixed = Fixed::serve(page.clone())?;
        let limit = load(fixed.address, "/", page.len()).await?;
        drop(fixed);
        print_row("  the same bytes, fixed, from axum", page.len(), &limit, "");
        let before = cpu_secs(world.process())?;
        let rate = load(world.address, &path, 0).await?;
        let spent = cpu_secs(world.process())? - before;
        // Over the warm-up too, during which pages are served as fast.
        let pages = rate.per_second * (MEASURED + WARM_UP).as_secs_f64();
        print_row(name, page.len(), &rate, &format!("{:.2}", spent / pages * 1000.0));
        println!("  {:.1} % of the fixed answer", rate.per_second / limit.per_second * 100.0);
    }
    println!("The fixed answer shares this process with the callers, so callers are part of what limits both.");
    Ok(())
}

fn print_row(name: &str, bytes: usize, rate: &Rate, cpu: &str) {
    let [median, p99] = [50, 99].map(|percent| millis(rate.times.percentile(percent)));
    println!("{name:<42}{bytes:>8}{:>10.0}{median:>10}{p99:>10}{cpu:>12}", rate.per_second);
}

/// The fixed answer, on threads of its own.
struct Fixed {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Fixed {
    fn serve(body: Bytes) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let answer = get(move || async move { ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body) });
        let routes = Router::new().route("/", answer);
        let _inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { address, runtime: Some(runtime) })
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Asks for one address over all connections, one request at a time on each.
async fn load(address: SocketAddr, path: &str, least_bytes: usize) -> Outcome<Rate> {
    let (is_counting, is_over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut line = Line::open(address).await?;
        let (path, is_counting, is_over) = (path.to_owned(), Arc::clone(&is_counting), Arc::clone(&is_over));
        callers.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let answer = line.get_as(&path, AS_PHONE).await?.wanted(StatusCode::OK)?;
                if answer.body.len() < least_bytes {
                    return Err("an answer was cut short".into());
                }
                if is_counting.load(Ordering::Relaxed) {
                    times.push(answer.took);
                }
            }
            Outcome::Ok(times)
        }));
    }
    tokio::time::sleep(WARM_UP).await;
    is_counting.store(true, Ordering::Relaxed);
    let started = Instant::now();
    tokio::time::sleep(MEASURED).await;
    is_over.store(true, Ordering::Relaxed);
    let measured = started.elapsed();
    let times = try_join_all(callers).await?.into_iter().collect::<Outcome<Vec<_>>>()?.concat();
    let count = u32::try_from(times.len())?;
    Ok(Rate { per_second: f64::from(count) / measured.as_secs_f64(), times: Samples::new(times) })
}

/// Processor time a process has used.
fn cpu_secs(process: u32) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| -> Outcome<f64> { Ok(fields.get(at).ok_or("/proc shows no times")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}
