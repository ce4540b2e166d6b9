package dev.graft.parallel;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.network.Libtorch;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.GlooDeviceVector;
import org.bytedeco.pytorch.PrefixStore;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringVector;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;

/**
 * Where the processes of a group meet: a table of keys that rank 0 serves at an address which all
 * know (MASTER_ADDR and MASTER_PORT of torchrun). It must outlive the groups made from it.
 */
public final class Rendezvous implements AutoCloseable {
  private static final long POLL_MILLIS = 20;

  private final String host;
  private final int port;
  private final Duration timeout;

  /** Rank 0's owns the server; kept as it was made, since only its clones may be handed on. */
  private final TCPStore owner;

  private final Store store;

  private Rendezvous(String host, int port, Duration timeout, TCPStore owner) {
    this.host = host;
    this.port = port;
    this.timeout = timeout;
    this.owner = owner;
    this.store = owner.clone();
  }

  /**
   * Opens it, as rank 0 does.
   *
   * @param host the address of this host by which the others reach it
   * @param port 0 for any that is free
   * @param timeout how long ranks wait for each other, here and in the group
   * @throws IOException if the port is taken or the host is not this one
   */
  public static Rendezvous serve(String host, int port, Duration timeout) throws IOException {
    return open(host, port, timeout, true);
  }

  /**
   * Comes to the one that rank 0 serves, waiting until it does.
   *
   * @throws IOException if it does not within the timeout
   */
  public static Rendezvous connect(String host, int port, Duration timeout) throws IOException {
    return open(host, port, timeout, false);
  }

  private static Rendezvous open(String host, int port, Duration timeout, boolean server)
      throws IOException {
    if (port < 0 || port > 65535) {
      throw new InvalidInputException("--master: the port " + port + " is not from 0 to 65535");
    }
    Libtorch.quiet();
    try {
      TCPStoreOptions options = new TCPStoreOptions();
      options.port((short) port).isServer(server).waitWorkers(false).useLibUV(false);
      // Asked for even though nobody is waited for here: how many there are is known when they
      // join.
      SizeTPointer workers = new SizeTPointer(1);
      workers.put(1);
      options.numWorkers(workers);
      options.timeout(new Milliseconds(timeout.toMillis()));
      TCPStore owner = new TCPStore(host, options);
      return new Rendezvous(host, owner.getPort() & 0xffff, timeout, owner);
    } catch (RuntimeException e) {
      throw new IOException(
          server
              ? "no rendezvous could be opened at "
                  + host
                  + ":"
                  + port
                  + "; give an address of this host and a port that is free"
              : "there was no answer from rank 0 at "
                  + host
                  + ":"
                  + port
                  + " within "
                  + Seconds.of(timeout)
                  + "; start rank 0 there, or correct --master",
          e);
    }
  }

  /** The port it is served at. */
  public int port() {
    return port;
  }

  /**
   * Waits for all ranks and connects each with each.
   *
   * @param rank this process's, from 0
   * @param size how many processes there are
   * @throws PeerLostException naming the first rank that did not come within the timeout
   * @throws IOException if they came but cannot be connected
   */
  public Collective join(int rank, int size) throws IOException {
    try {
      announce(rank, size);
    } catch (PeerLostException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PeerLostException(0, size, "its connection was closed", e);
    }
    try {
      ProcessGroupGloo.Options options =
          ProcessGroupGloo.Options.create(new Milliseconds(timeout.toMillis()));
      options.devices(
          new GlooDeviceVector(ProcessGroupGloo.createDeviceForHostname(localAddress())));
      options.threads(1);
      ProcessGroupGloo group =
          SilencedOutput.during(() ->
              new ProcessGroupGloo(new PrefixStore("gloo", store).clone(), rank, size, options));
      return new GlooCollective(group, new Farewells(store, size), rank, size, timeout);
    } catch (RuntimeException e) {
      throw new IOException(
          "rank "
              + rank
              + " could not connect to the others; is one of them behind a firewall or gone?",
          e);
    }
  }

  private void announce(int rank, int size) {
    store.set("here/" + rank, "1");
    long deadline = System.nanoTime() + timeout.toNanos();
    for (int r = 0; r < size; r++) {
      while (!has("here/" + r)) {
        if (System.nanoTime() > deadline) {
          throw new PeerLostException(
              r,
              size,
              "it did not come to " + host + ":" + port + " within " + Seconds.of(timeout));
        }
        pause();
      }
    }
  }

  /**
   * Waits for all ranks of a training run, compares what they run, and watches over them from then
   * on.
   *
   * @param introduction what this rank runs
   * @param onLost hears once, on a thread of its own, that a rank is lost
   * @throws InvalidInputException naming the first rank that runs something else than rank 0
   * @throws PeerLostException naming the first rank that did not come within the timeout
   */
  public Watch meet(
      int rank, int size, Introduction introduction, Consumer<PeerLostException> onLost)
      throws IOException {
    try {
      store.set("introduction/" + rank, introduction.line());
      announce(rank, size);
      Introduction first = Introduction.parse(store.get_to_str("introduction/0"));
      for (int r = 1; r < size; r++) {
        Introduction.parse(store.get_to_str("introduction/" + r)).requireLike(first, r, size);
      }
      if (rank == 0) {
        InetAddress here = InetAddress.getByName(localAddress());
        ServerSocket server = Watch.serve(here);
        store.set("watch", here.getHostAddress() + " " + server.getLocalPort());
        return Watch.accept(server, size, timeout, onLost);
      }
      String[] where = store.get_to_str("watch").split(" ", -1);
      InetSocketAddress address = new InetSocketAddress(where[0], Integer.parseInt(where[1]));
      return Watch.connect(address, rank, size, timeout, onLost);
    } catch (InvalidInputException | PeerLostException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new PeerLostException(0, size, "its connection was closed", e);
    }
  }

  /**
   * Connects some ranks for exchanges of tensors; each of them calls this, in the same order.
   *
   * @param name of the group, which no other has
   * @param members numbers of the ranks, ascending
   * @param rank this process's, one of them
   * @param timeline that waits are recorded in
   * @throws IOException if they cannot be connected
   */
  public TensorGroup group(String name, List<Integer> members, int rank, Timeline timeline)
      throws IOException {
    if (members.size() == 1) {
      return TensorGroup.alone();
    }
    try {
      ProcessGroupGloo.Options options =
          ProcessGroupGloo.Options.create(new Milliseconds(timeout.toMillis()));
      options.devices(
          new GlooDeviceVector(ProcessGroupGloo.createDeviceForHostname(localAddress())));
      options.threads(1);
      String prefix = name + members;
      int at = members.indexOf(rank);
      ProcessGroupGloo group =
          SilencedOutput.during(() ->
              new ProcessGroupGloo(
                  new PrefixStore(prefix, store).clone(), at, members.size(), options));
      return TensorGroup.of(group, at, members.size(), name, timeline);
    } catch (RuntimeException e) {
      throw new IOException(
          "rank " + rank + " could not connect to the ranks " + members + " of its group " + name,
          e);
    }
  }

  private boolean has(String key) {
    try (StringVector keys = new StringVector(key)) {
      return store.check(keys);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the other ranks", e);
    }
  }

  /** The address of this host on the way to rank 0. Connecting a datagram socket sends nothing. */
  private String localAddress() throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress(InetAddress.getByName(host), port));
      return socket.getLocalAddress().getHostAddress();
    }
  }

  @Override
  public void close() {
    store.close();
    owner.close();
  }
}
