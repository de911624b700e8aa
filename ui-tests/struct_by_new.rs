use sinew::prelude::*;

#[model]
struct Net {
    inner: Linear<4, 8>,
}

fn main() {
    let net = Net::new(42);
}
