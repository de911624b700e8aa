use sinew::prelude::*;

#[model(methods)]
struct Counter {
    seen: State,
}

#[model]
impl Counter {
    fn count(&self, x: Tensor) -> Tensor {
        self.seen = self.seen + x;
        self.seen
    }
}

#[model]
struct Row {
    counters: [Counter; 2],
}

#[model]
struct Table {
    rows: [Row; 3],
}

#[model]
fn f(m: &Table, x: Tensor) -> Tensor {
    let mut x = x;
    for counter in &m.rows[1].counters {
        x = counter.count(x);
    }
    x
}

fn main() {}
