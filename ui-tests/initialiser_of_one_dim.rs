use sinew::prelude::*;

#[model]
struct Net {
    #[init(kaiming_uniform)]
    b: Param<8>,
    #[init(xavier_normal)]
    scale: State,
}

fn main() {}
