use super::*;

const ALICE: NodeId = NodeId(1);
const BOB: NodeId = NodeId(2);

fn open_store(stock: u64, fencing: Fencing) -> Store {
    let books = Books::opened_with(stock, OrderIds::new(false));
    Store::new(books, StoreSettings { fencing, ..StoreSettings::default() }, 0)
}

/// A store that knows its orders again by their ids.
fn store_with_ids(stock: u64, fencing: Fencing) -> Store {
    let store = open_store(stock, fencing);
    store.books().ids = OrderIds::new(true);
    store
}

/// What the store answers, and writes down, to a request that it can serve.
fn served(store: &mut Store, from: NodeId, request: ShopRequest) -> (ShopReply, Option<Note>) {
    store.serve(from, request).unwrap()
}

fn write(order: u64, stock: u64, token: Option<u64>) -> ShopRequest {
    ShopRequest::Write { order, stock, token }
}

fn taken(store: &mut Store, from: NodeId, request: ShopRequest) -> bool {
    matches!(served(store, from, request).0, ShopReply::Taken)
}

#[test]
fn without_fencing_every_write_is_taken() {
    let mut store = open_store(1, Fencing::Off);
    assert!(taken(&mut store, BOB, write(1, 0, Some(2))));
    assert!(taken(&mut store, ALICE, write(2, 0, Some(1))));
}

#[test]
fn fencing_refuses_an_older_token_and_takes_the_same_again() {
    for fencing in [Fencing::Writes, Fencing::ReadsAndWrites] {
        let mut store = open_store(5, fencing);
        assert!(taken(&mut store, BOB, write(1, 4, Some(2))));
        assert!(taken(&mut store, BOB, write(2, 3, Some(2))));
        let (reply, note) = served(&mut store, ALICE, write(3, 4, Some(1)));
        assert_eq!(reply, ShopReply::Fenced { mark: 2 });
        assert_eq!(note, Some(Note::Fenced { from: ALICE, write: true, token: Some(1), mark: 2 }));
        assert_eq!(store.books().stock, 3);
    }
}

#[test]
fn a_write_without_a_token_is_behind_every_token() {
    let mut store = open_store(1, Fencing::Writes);
    assert_eq!(served(&mut store, ALICE, write(1, 0, None)).0, ShopReply::Fenced { mark: 0 });
}

#[test]
fn only_reads_and_writes_lets_a_read_raise_the_mark() {
    let read = ShopRequest::Read { token: Some(2) };
    let mut store = open_store(1, Fencing::Writes);
    served(&mut store, BOB, read);
    assert!(taken(&mut store, ALICE, write(1, 0, Some(1))));

    let mut store = open_store(1, Fencing::ReadsAndWrites);
    served(&mut store, BOB, read);
    assert!(!taken(&mut store, ALICE, write(1, 0, Some(1))));
    assert_eq!(
        served(&mut store, ALICE, ShopRequest::Read { token: Some(1) }).0,
        ShopReply::Fenced { mark: 2 }
    );
}

#[test]
fn the_conditional_update_never_goes_below_zero() {
    let mut store = open_store(1, Fencing::Off);
    assert!(taken(&mut store, ALICE, ShopRequest::Take { order: 1 }));
    assert_eq!(served(&mut store, BOB, ShopRequest::Take { order: 2 }), (ShopReply::SoldOut, None));
    assert_eq!(store.books().stock, 0);
}

/// Two believed holders, each reads, then writes one less than it read: six interleavings.
/// The figures are those of the design: what fencing on writes alone lets through.
#[test]
fn of_six_interleavings_fencing_lets_through_as_many_as_theory_says() {
    let oversold = |fencing, tokens: [u64; 2]| {
        const ORDERS: [[usize; 4]; 6] =
            [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]];
        ORDERS.into_iter().filter(|order| oversells(fencing, tokens, *order)).count()
    };
    assert_eq!(oversold(Fencing::Off, [1, 2]), 4);
    assert_eq!(oversold(Fencing::Writes, [1, 2]), 2);
    assert_eq!(oversold(Fencing::Writes, [1, 1]), 4);
    assert_eq!(oversold(Fencing::ReadsAndWrites, [1, 2]), 0);
}

fn oversells(fencing: Fencing, tokens: [u64; 2], order: [usize; 4]) -> bool {
    let mut store = open_store(1, fencing);
    let mut seen: [Option<u64>; 2] = [None, None];
    let mut has_read = [false, false];
    let mut sold = 0;
    for who in order {
        let (from, token) = (NodeId(who as u16), Some(tokens[who]));
        if !has_read[who] {
            has_read[who] = true;
            if let ShopReply::Stock { stock } =
                served(&mut store, from, ShopRequest::Read { token }).0
            {
                seen[who] = Some(stock);
            }
        } else if let Some(stock) = seen[who].filter(|stock| *stock > 0) {
            sold += u64::from(taken(&mut store, from, write(who as u64, stock - 1, token)));
        }
    }
    sold > 1
}

#[test]
fn the_same_write_again_is_another_order_and_counts_the_stock_down_once() {
    let mut store = open_store(5, Fencing::Off);
    for before in [5, 4] {
        let note = Note::WriteTaken { from: ALICE, order: 1, before, after: 4, token: None };
        assert_eq!(served(&mut store, ALICE, write(1, 4, None)), (ShopReply::Taken, Some(note)));
    }
}

#[test]
fn an_order_id_makes_the_same_write_again_the_same_order() {
    let repeated = (ShopReply::TakenBefore, Some(Note::OrderRepeated { from: ALICE, order: 1 }));
    for request in [write(1, 4, None), ShopRequest::Take { order: 1 }] {
        let mut store = store_with_ids(5, Fencing::Off);
        assert!(taken(&mut store, ALICE, request));
        assert_eq!(served(&mut store, ALICE, request), repeated);
        assert_eq!(store.books().stock, 4);
        assert!(taken(&mut store, ALICE, write(2, 3, None)), "another order is another order");
    }
}

#[test]
fn a_known_order_is_confirmed_even_when_its_token_is_behind_by_now() {
    let mut store = store_with_ids(5, Fencing::ReadsAndWrites);
    assert!(taken(&mut store, ALICE, write(1, 4, Some(1))));
    assert!(taken(&mut store, BOB, write(2, 3, Some(2))));
    assert_eq!(served(&mut store, ALICE, write(1, 4, Some(1))).0, ShopReply::TakenBefore);
    assert_eq!(served(&mut store, ALICE, write(3, 4, Some(1))).0, ShopReply::Fenced { mark: 2 });
}

#[test]
fn an_order_that_was_refused_is_not_known() {
    let mut store = store_with_ids(5, Fencing::Writes);
    assert!(taken(&mut store, BOB, write(1, 4, Some(2))));
    assert!(!taken(&mut store, ALICE, write(2, 4, Some(1))));
    assert!(taken(&mut store, ALICE, write(2, 3, Some(3))));
}

#[test]
fn a_store_without_the_orders_writes_stock_alone_and_records_none() {
    let mut store = open_store(5, Fencing::Off);
    store.settings.orders = Orders::AfterStock;
    let note = Note::StockWritten { from: ALICE, order: 1, before: 5, after: 4, token: None };
    assert_eq!(served(&mut store, ALICE, write(1, 4, None)), (ShopReply::Taken, Some(note)));
    assert_eq!(store.serve(ALICE, ShopRequest::Record { order: 1 }), None);
}
