import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.CachedAtomicLong;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

/** Queues, counters and barriers. */
final class CuratorCollections {
    private static final int ITEMS = 200;
    private static final int WORKERS = 4;
    private static final int INCREMENTS = 25;

    private CuratorCollections() {}

    static void addTo(Main main) {
        main.add("DistributedQueue, every item once", CuratorCollections::queue);
        main.add("DistributedAtomicLong", CuratorCollections::atomicLong);
        main.add("SharedCount", CuratorCollections::sharedCount);
        main.add("barriers", CuratorCollections::barriers);
    }

    private static final class Texts implements QueueSerializer<String> {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes();
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes);
        }
    }

    private static void queue() throws Exception {
        Set<String> taken = ConcurrentHashMap.newKeySet();
        AtomicInteger count = new AtomicInteger();
        QueueConsumer<String> consumer = new QueueConsumer<>() {
            @Override
            public void consumeMessage(String item) {
                taken.add(item);
                count.incrementAndGet();
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {}
        };
        try (CuratorFramework one = Curators.open(); CuratorFramework two = Curators.open();
                DistributedQueue<String> first = QueueBuilder.builder(one, consumer, new Texts(), "/q-queue").lockPath("/q-queue-locks").buildQueue();
                DistributedQueue<String> second = QueueBuilder.builder(two, consumer, new Texts(), "/q-queue").lockPath("/q-queue-locks").buildQueue()) {
            first.start();
            second.start();
            for (int at = 0; at < ITEMS; at++) {
                (at % 2 == 0 ? first : second).put("item " + at);
            }
            Check.eventually("every item", () -> taken.size() == ITEMS);
            Check.equal(ITEMS, count.get(), "items taken");
        }
    }

    private static void atomicLong() throws Exception {
        Set<Long> seen = ConcurrentHashMap.newKeySet();
        Curators.crowd(WORKERS, (client, worker) -> {
            DistributedAtomicLong counter =
                    new DistributedAtomicLong(client, "/counters/q-counter", new RetryNTimes(1000, 1));
            CachedAtomicLong blocks = new CachedAtomicLong(counter, 10);
            for (int at = 0; at < INCREMENTS; at++) {
                AtomicValue<Long> value = counter.increment();
                Check.that(value.succeeded() && seen.add(value.postValue()), "value " + value.postValue() + " twice");
                // After the first increment, so that the counter has Curator's form.
                long added = addOverHttp("q-counter");
                Check.that(seen.add(added), "value " + added + " twice, over HTTP");
            }
            Check.that(blocks.next().succeeded(), "no block");
        });
        try (CuratorFramework client = Curators.open()) {
            client.sync().forPath("/");
            long value =
                    new DistributedAtomicLong(client, "/counters/q-counter", new RetryNTimes(1, 1)).get().postValue();
            Check.equal((long) WORKERS * (2 * INCREMENTS + 10), value, "sum");
        }
    }

    /** Adds 1 to a counter and gives its value. */
    private static long addOverHttp(String counter) throws Exception {
        HttpResponse<String> answer = Nodes.http("POST", "/v1/counters/" + counter + "/-/add",
                HttpRequest.BodyPublishers.ofString("{\"delta\":1}"));
        Check.equal(200, answer.statusCode(), answer.body());
        Matcher value = Pattern.compile("\"value\":(\\d+)").matcher(answer.body());
        Check.that(value.find(), answer.body());
        return Long.parseLong(value.group(1));
    }

    private static void sharedCount() throws Exception {
        try (CuratorFramework one = Curators.open(); CuratorFramework two = Curators.open();
                SharedCount first = new SharedCount(one, "/q-shared", 1);
                SharedCount second = new SharedCount(two, "/q-shared", 1)) {
            first.start();
            second.start();
            Check.that(first.trySetCount(first.getVersionedValue(), 5), "not set");
            Check.eventually("the other to see it", () -> second.getCount() == 5);
            Check.that(second.trySetCount(second.getVersionedValue(), 6), "not set");
            Check.eventually("the first to see it", () -> first.getCount() == 6);
        }
    }

    private static void barriers() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            DistributedBarrier barrier = new DistributedBarrier(client, "/q-barrier");
            barrier.setBarrier();
            Check.that(!barrier.waitOnBarrier(50, TimeUnit.MILLISECONDS), "the barrier is open");
            Thread opener = new Thread(() -> {
                try (CuratorFramework other = Curators.open()) {
                    new DistributedBarrier(other, "/q-barrier").removeBarrier();
                } catch (Exception error) {
                    throw new AssertionError(error);
                }
            });
            opener.start();
            Check.that(barrier.waitOnBarrier(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "the barrier stays closed");
            opener.join();
        }
        AtomicInteger inside = new AtomicInteger();
        Curators.crowd(WORKERS, (client, worker) -> {
            DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, "/q-double", WORKERS);
            inside.incrementAndGet();
            Check.that(barrier.enter(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "not let in");
            Check.equal(WORKERS, inside.get(), "inside");
            Check.that(barrier.leave(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "not let out");
        });
    }
}
