//! Stories that were written down: databases, how keys are used and stored, scripts that may not write,
//! a server that sleeps.

pub const STORIES: &[&str] = &[
    "databases
     0 SET k zero
     0 SELECT 1
     0 GET k
     0 SET k one PX 1000000
     1 GET k
     0 CLIENT INFO
     0 DBSIZE
     1 DBSIZE
     1 INFO keyspace
     1 SELECT 15
     1 HSET h f v
     1 INFO keyspace
     1 SELECT 16
     1 SELECT -1
     1 SELECT x
     1 SELECT 99999999999
     1 SELECT
     1 SELECT 1 2
     1 CLIENT LIST
     1 KEYS *
     0 KEYS *
     0 FLUSHDB
     1 INFO keyspace
     1 FLUSHALL
     1 INFO keyspace
     0 RESET
     0 CLIENT INFO
     0 CONFIG GET databases",
    "databases inside transactions and scripts
     0 MULTI
     0 SELECT 2
     0 SET k v
     0 EXEC
     0 GET k
     0 CLIENT INFO
     0 EVAL redis.call('select',3)redis.call('set','k','three')return_redis.call('get','k') 0
     0 GET k
     0 SELECT 3
     0 GET k
     0 EVAL return_redis.pcall('select',16).err 0
     0 MULTI
     0 SELECT 4
     0 DISCARD
     0 GET k
     0 MULTI
     0 EVAL redis.call('select',5)return_redis.call('dbsize') 0
     0 GET k
     0 SELECT 99
     0 EXEC
     0 GET k",
    "moves and copies from one database to another
     0 SET k v PX 1000000
     0 HSET h f v
     0 MOVE k 1
     0 MOVE k 1
     0 MOVE h 1
     0 MOVE h 0
     0 MOVE h 16
     0 MOVE h x
     0 MOVE h
     0 DBSIZE
     0 SELECT 1
     0 GET k
     0 PTTL nosuch
     0 PERSIST k
     0 COPY k k
     0 COPY k k DB 1
     0 COPY k k DB 0
     0 COPY k k DB 0
     0 COPY k k DB 0 REPLACE
     0 COPY h g DB 2 DB 3
     0 COPY h g DB 16
     0 INFO keyspace
     0 SET k w
     0 MOVE k 0
     0 SELECT 3
     0 HGETALL g",
    "databases that change their numbers
     0 SET k zero
     1 SELECT 1
     1 SET l one
     2 WATCH k
     3 SELECT 1
     3 WATCH k
     4 WATCH nosuch
     0 SWAPDB 0 1
     0 GET k
     0 GET l
     1 GET k
     2 MULTI
     2 EXEC
     3 MULTI
     3 EXEC
     4 MULTI
     4 EXEC
     0 WATCH l
     0 SWAPDB 1 1
     0 MULTI
     0 EXEC
     0 SWAPDB 0 16
     0 SWAPDB x 0
     0 SWAPDB 0 x
     0 SWAPDB 0
     0 SWAPDB -1 0
     0 INFO keyspace",
    "what is watched in which database
     0 WATCH k
     1 SELECT 1
     1 SET k v
     0 MULTI
     0 EXEC
     0 SELECT 1
     0 WATCH k
     0 SELECT 0
     2 SET k v
     0 MULTI
     0 EXEC
     0 SELECT 1
     0 WATCH k
     0 SELECT 0
     2 MOVE k 1
     1 MOVE k 0
     2 DEL k
     1 MOVE k 0
     0 MULTI
     0 EXEC
     0 WATCH k
     1 FLUSHALL
     0 MULTI
     0 EXEC",
    "watches and expired keys when databases change their numbers
     4 CONFIG SET hz 1
     0 SET k v PX 20
     sleep 40
     1 WATCH k
     2 SELECT 1
     2 WATCH k
     0 SWAPDB 0 1
     1 MULTI
     1 EXEC
     2 MULTI
     2 EXEC
     0 FLUSHALL
     0 SET k v PX 20
     1 SELECT 1
     1 SET k v PX 20
     sleep 40
     2 RESET
     2 WATCH k
     3 SELECT 2
     3 WATCH k
     0 SWAPDB 0 1
     0 SWAPDB 2 1
     2 MULTI
     2 PING
     2 EXEC
     3 MULTI
     3 PING
     3 EXEC
     2 WATCH k
     1 GET k
     1 SET k v
     0 SWAPDB 0 1
     2 MULTI
     2 PING
     2 EXEC
     4 CONFIG SET hz 10
     sleep 1100",
    "how keys are used and stored, by the policy
     0 SET small 5
     0 SET large 10000
     0 SET text v
     0 HSET h f v
     0 OBJECT FREQ text
     0 OBJECT IDLETIME text
     0 OBJECT REFCOUNT small
     4 CONFIG SET maxmemory-policy allkeys-lfu
     0 OBJECT IDLETIME text
     0 OBJECT IDLETIME nosuch
     0 OBJECT FREQ nosuch
     0 SET new v
     0 HSET newhash f v
     0 OBJECT FREQ new
     0 OBJECT FREQ newhash
     0 GET new
     0 OBJECT FREQ new
     0 RENAME new renamed
     0 COPY renamed copy
     0 OBJECT FREQ copy
     0 SET small 5
     0 OBJECT REFCOUNT small
     4 CONFIG SET maxmemory 100mb
     0 SET small 5
     0 OBJECT REFCOUNT small
     0 OBJECT ENCODING small
     0 INCR small
     0 OBJECT REFCOUNT small
     0 OBJECT ENCODING small
     0 SET other 7
     0 OBJECT FREQ other
     4 CONFIG SET maxmemory-policy volatile-ttl
     0 OBJECT REFCOUNT small
     0 SET small 5
     0 OBJECT REFCOUNT small
     0 OBJECT FREQ small
     0 COPY small own
     0 OBJECT REFCOUNT own
     4 CONFIG SET maxmemory-policy volatile-lru
     0 SET small 5
     0 OBJECT REFCOUNT small
     0 OBJECT IDLETIME small
     4 CONFIG SET maxmemory 0 maxmemory-policy noeviction
     0 OBJECT REFCOUNT small
     0 INCR small
     0 OBJECT REFCOUNT small
     4 CONFIG SET maxmemory-samples 2147483647
     4 CONFIG SET maxmemory-samples 2147483648
     4 CONFIG SET maxmemory-samples 0
     4 CONFIG SET maxmemory-samples 5",
    "scripts that may not write
     0 SET k v
     0 EVAL_RO return_redis.call('get',KEYS[1]) 1 k
     0 EVAL_RO return_redis.call('set',KEYS[1],'w') 1 k
     0 EVAL_RO return_redis.pcall('del',KEYS[1]).err 1 k
     0 EVAL_RO return_redis.call('publish','c','x') 0
     0 EVAL_RO return_redis.call('nosuch') 0
     0 EVAL_RO return_redis.call('set',KEYS[1]) 1 k
     0 EVAL_RO redis.call('select',1)return_redis.call('get','k') 0
     0 GET k
     0 EVAL return_redis.call('set',KEYS[1],'w') 1 k
     0 EVALSHA_RO nosuch 0
     0 SCRIPT LOAD return_redis.call('set','k','x')
     0 EVALSHA_RO 6bf4bc4b1bd1ed7ab0a5dbe2ef05ad0ab49ce0ab 0
     0 EVAL_RO return_1
     0 EVAL_RO return_1 x
     0 EVAL_RO return_1 2 k
     0 EVAL return_redis.call('eval_ro','return_1',0) 0
     4 CLIENT PAUSE 100000 WRITE
     0 EVAL_RO return_redis.call('get',KEYS[1]) 1 k
     4 CLIENT UNPAUSE",
    "a server that sleeps
     0 SET k v
     1 SUBSCRIBE c
     2 PUBLISH c x
     0 DEBUG SLEEP 0.05
     0 DEBUG SLEEP 0
     0 DEBUG SLEEP x
     0 DEBUG SLEEP -1
     0 DEBUG SLEEP
     0 DEBUG NOSUCH
     0 DEBUG
     0 EVAL return_redis.call('debug','sleep',0) 0
     0 MULTI
     0 GET k
     0 DEBUG SLEEP 0.02
     0 EXEC
     4 CONFIG GET enable-debug-command
     4 CONFIG SET enable-debug-command no",
    "names that fit ranges of bytes
     0 FLUSHALL
     0 SET A 1
     0 KEYS [a-ü]
     0 KEYS [ü-z]
     0 KEYS [^a-ü]*
     0 KEYS [À-ÿ]*
     0 KEYS [^À-ÿ]*
     0 KEYS [ÿ-z]?
     0 FLUSHALL
     0 SET b 1
     0 KEYS [a-ü]
     0 KEYS [ü-z]
     0 KEYS [^a-ü]*
     0 KEYS [À-ÿ]*
     0 KEYS [^À-ÿ]*
     0 KEYS [ÿ-z]?
     0 FLUSHALL
     0 SET ü 1
     0 KEYS [a-ü]
     0 KEYS [ü-z]
     0 KEYS [^a-ü]*
     0 KEYS [À-ÿ]*
     0 KEYS [^À-ÿ]*
     0 KEYS [ÿ-z]?
     0 FLUSHALL
     0 SET z 1
     0 KEYS [a-ü]
     0 KEYS [ü-z]
     0 KEYS [^a-ü]*
     0 KEYS [À-ÿ]*
     0 KEYS [^À-ÿ]*
     0 KEYS [ÿ-z]?
     0 CONFIG GET [h-ü]z
     0 CONFIG GET [ÿ-H]Z",
    "how long clients may be idle
     0 CONFIG GET timeout
     0 CONFIG SET timeout 100
     0 CONFIG GET timeout
     0 CONFIG SET timeout -1
     0 CONFIG SET timeout 2147483648
     0 CONFIG SET timeout 0",
];
