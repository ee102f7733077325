create table if not exists stock (
  item text primary key,
  available integer not null check (available >= 0)
);
comment on table stock is 'What can be ordered.';

create table if not exists orders (
  id text primary key,
  status text not null,
  payment text not null
);
comment on table orders is 'Orders that wait for their payment, or did.';
comment on column orders.payment is 'Awakeable that the payment completes.';

insert into stock values ('cup', 5), ('vase', 5) on conflict do nothing;
