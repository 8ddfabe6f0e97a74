import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Curator's locks: many clients at once, each with a session of its own. */
final class CuratorLocks {
    private static final int WORKERS = 6;
    private static final int ROUNDS = 15;
    private static final int PERMITS = 3;

    private CuratorLocks() {}

    /** How many are inside at once. */
    static final class Inside {
        private final AtomicInteger now = new AtomicInteger();
        final AtomicInteger entered = new AtomicInteger();
        private final int max;

        Inside(int max) {
            this.max = max;
        }

        void visit() {
            int there = now.incrementAndGet();
            entered.incrementAndGet();
            Check.that(there <= max, there + " are inside, " + max + " may");
            Thread.yield();
            now.decrementAndGet();
        }
    }

    interface Maker {
        InterProcessLock make(CuratorFramework client);
    }

    static void addTo(Main main) {
        main.add("InterProcessMutex", () -> exclude(client -> new InterProcessMutex(client, "/q-mutex")));
        main.add("InterProcessMutex below /locks", () -> exclude(client -> new InterProcessMutex(client, "/locks/q/mutex")));
        main.add("InterProcessSemaphoreMutex", () -> exclude(client -> new InterProcessSemaphoreMutex(client, "/q-semaphore-mutex")));
        main.add("InterProcessSemaphoreMutex below /locks",
                () -> exclude(client -> new InterProcessSemaphoreMutex(client, "/locks/q/semaphore-mutex")));
        main.add("InterProcessMultiLock", () -> exclude(
                client -> new InterProcessMultiLock(client, List.of("/q-multi-1", "/locks/q-multi-2"))));
        main.add("InterProcessReadWriteLock", () -> readWrite("/q-rw"));
        main.add("InterProcessReadWriteLock below /locks", () -> readWrite("/locks/q/rw"));
        main.add("InterProcessSemaphoreV2", () -> semaphore("/q-semaphore"));
        main.add("InterProcessSemaphoreV2 below /locks", () -> semaphore("/locks/q/semaphore"));
        main.add("a lock whose holder's session is ended", CuratorLocks::holderEnds);
    }

    private static void exclude(Maker maker) throws Exception {
        Inside inside = new Inside(1);
        Curators.crowd(WORKERS, (client, worker) -> {
            InterProcessLock lock = maker.make(client);
            for (int round = 0; round < ROUNDS; round++) {
                Check.that(lock.acquire(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "lock not had in round " + round);
                inside.visit();
                lock.release();
            }
        });
        Check.equal(WORKERS * ROUNDS, inside.entered.get(), "turns");
    }

    private static void readWrite(String path) throws Exception {
        Inside writers = new Inside(1);
        Map<Integer, Boolean> readers = new ConcurrentHashMap<>();
        Curators.crowd(WORKERS, (client, worker) -> {
            InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, path);
            for (int round = 0; round < ROUNDS; round++) {
                boolean write = (round + worker) % 3 == 0;
                InterProcessMutex half = write ? lock.writeLock() : lock.readLock();
                Check.that(half.acquire(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "lock not had in round " + round);
                if (write) {
                    Check.that(readers.isEmpty(), "readers " + readers + " beside a writer");
                    writers.visit();
                    Check.that(readers.isEmpty(), "readers " + readers + " beside a writer");
                } else {
                    readers.put(worker, true);
                    Thread.yield();
                    readers.remove(worker);
                }
                half.release();
            }
        });
    }

    private static void semaphore(String path) throws Exception {
        Inside inside = new Inside(PERMITS);
        Curators.crowd(WORKERS, (client, worker) -> {
            InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, PERMITS);
            for (int round = 0; round < ROUNDS; round++) {
                Lease lease = semaphore.acquire(Check.WAIT.toSeconds(), TimeUnit.SECONDS);
                Check.that(lease != null, "no lease in round " + round);
                inside.visit();
                semaphore.returnLease(lease);
            }
        });
        Check.equal(WORKERS * ROUNDS, inside.entered.get(), "turns");
    }

    private static void holderEnds() throws Exception {
        try (CuratorFramework one = Curators.open(); CuratorFramework two = Curators.open()) {
            InterProcessMutex first = new InterProcessMutex(one, "/q-ends");
            InterProcessMutex second = new InterProcessMutex(two, "/q-ends");
            first.acquire();
            Check.that(!second.acquire(100, TimeUnit.MILLISECONDS), "the lock was had twice");
            Nodes.endSession(Curators.session(one));
            Check.that(second.acquire(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "not had after the holder's end");
            second.release();
        }
    }
}
