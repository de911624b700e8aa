//! A peer in a process of its own, which rests while others are measured.

use crate::Product;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Its threads may look for more work for a while.
const REST: Duration = Duration::from_millis(250);

/// The process.
pub struct Peer {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it.
    pub fn new(command: &[String]) -> Result<Peer, String> {
        let (program, arguments) = command.split_first().ok_or("no command")?;
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{program}: {e}"))?;
        let asks = process.stdin.take().ok_or("no input")?;
        let answers = process.stdout.take().ok_or("no output")?;
        Ok(Peer {
            process,
            asks,
            answers: BufReader::new(answers),
        })
    }

    /// The least seconds of a product.
    pub fn seconds(&mut self, product: Product, element: &str) -> Result<f64, String> {
        let [m, k, n] = product.shape;
        let (layout, threads) = (product.layout.name(), product.threads);
        writeln!(self.asks, "{m} {k} {n} {layout} {element} {threads}")
            .map_err(|e| e.to_string())?;
        self.asks.flush().map_err(|e| e.to_string())?;
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .map_err(|e| e.to_string())?;
        if threads > 1 {
            std::thread::sleep(REST);
        }
        answer
            .trim()
            .parse()
            .map_err(|e| format!("{answer:?}: {e}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
