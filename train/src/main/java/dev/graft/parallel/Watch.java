package dev.graft.parallel;

import dev.graft.layout.PeerLostException;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Who is still there: every rank keeps a connection of its own to rank 0, on which both send a sign
 * of life. A killed process closes it at once, a frozen one falls silent; rank 0 tells all others.
 * So a rank that computes learns of a loss as soon as one that waits, and all name the same rank.
 */
public final class Watch implements AutoCloseable {
  /** Signs of life are counted, not timed: a machine that stood still blames nobody. */
  private static final int TICK_MILLIS = 250;

  private static final int BEAT = 0;
  private static final int LEAVES = 1;
  private static final int LOST = 2;

  private final int rank;
  private final int size;
  private final Duration timeout;
  private final Consumer<PeerLostException> onLost;
  private final List<Peer> peers = new ArrayList<>();
  private final AtomicReference<PeerLostException> verdict = new AtomicReference<>();
  private final CountDownLatch lost = new CountDownLatch(1);
  private volatile boolean closed;

  private final class Peer {
    private final int number;
    private final Socket socket;
    private final DataOutputStream out;

    Peer(int number, Socket socket) throws IOException {
      this.number = number;
      this.socket = socket;
      this.out = new DataOutputStream(socket.getOutputStream());
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(TICK_MILLIS);
    }

    void listen() {
      int silent = 0;
      long patience = Math.max(1, timeout.toMillis() / TICK_MILLIS);
      try {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        while (!closed) {
          try {
            int kind = in.read();
            silent = 0;
            if (kind == LEAVES) {
              return;
            }
            if (kind == LOST) {
              socket.setSoTimeout(0);
              declare(new PeerLostException(in.readInt(), size, in.readUTF()), number);
              return;
            }
            if (kind < 0) {
              throw new IOException("end of stream");
            }
          } catch (SocketTimeoutException e) {
            silent++;
            if (silent > patience) {
              String how = "it did not answer within " + Seconds.of(timeout);
              declare(new PeerLostException(number, size, how, e), number);
              return;
            }
          }
        }
      } catch (IOException e) {
        declare(new PeerLostException(number, size, "its connection was closed", e), number);
      }
    }

    synchronized void send(int kind) throws IOException {
      out.writeByte(kind);
    }

    synchronized void send(PeerLostException what) throws IOException {
      out.writeByte(LOST);
      out.writeInt(what.rank());
      out.writeUTF(what.how());
    }
  }

  private Watch(int rank, int size, Duration timeout, Consumer<PeerLostException> onLost) {
    this.rank = rank;
    this.size = size;
    this.timeout = timeout;
    this.onLost = onLost;
  }

  /** Opens rank 0's end; {@link #accept} must follow. */
  static ServerSocket serve(InetAddress address) throws IOException {
    return new ServerSocket(0, 1024, address);
  }

  /** Rank 0's: waits for all others. */
  static Watch accept(
      ServerSocket server, int size, Duration timeout, Consumer<PeerLostException> onLost)
      throws IOException {
    Watch watch = new Watch(0, size, timeout, onLost);
    try (server) {
      server.setSoTimeout(Math.toIntExact(timeout.toMillis()));
      for (int i = 1; i < size; i++) {
        Socket socket = server.accept();
        socket.setSoTimeout(Math.toIntExact(timeout.toMillis()));
        watch.peers.add(
            watch.new Peer(new DataInputStream(socket.getInputStream()).readInt(), socket));
      }
    }
    watch.start();
    return watch;
  }

  /** Another rank's. */
  static Watch connect(
      InetSocketAddress address,
      int rank,
      int size,
      Duration timeout,
      Consumer<PeerLostException> onLost)
      throws IOException {
    Watch watch = new Watch(rank, size, timeout, onLost);
    Socket socket = new Socket();
    socket.connect(address, Math.toIntExact(timeout.toMillis()));
    new DataOutputStream(socket.getOutputStream()).writeInt(rank);
    watch.peers.add(watch.new Peer(0, socket));
    watch.start();
    return watch;
  }

  private void start() {
    for (Peer peer : peers) {
      Thread.ofPlatform().daemon().name("watch-" + peer.number).start(peer::listen);
    }
    Thread.ofPlatform().daemon().name("watch-beat").start(this::beat);
  }

  private void beat() {
    while (!closed && verdict.get() == null) {
      for (Peer peer : peers) {
        beat(peer);
      }
      try {
        Thread.sleep(TICK_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static void beat(Peer peer) {
    try {
      peer.send(BEAT);
    } catch (IOException e) {
      // Its own thread sees that it is gone.
    }
  }

  private void declare(PeerLostException what, int from) {
    if (closed || !verdict.compareAndSet(null, what)) {
      return;
    }
    for (Peer peer : peers) {
      if (peer.number != from && peer.number != what.rank()) {
        tell(peer, what);
      }
    }
    lost.countDown();
    onLost.accept(what);
  }

  private static void tell(Peer peer, PeerLostException what) {
    try {
      peer.send(what);
    } catch (IOException e) {
      // It is gone too; the first loss is the one to name.
    }
  }

  /** Tells all others that this rank cannot go on; a loss that was heard of before stands. */
  public void abort(String reason) {
    PeerLostException own = new PeerLostException(rank, size, reason);
    if (!closed && verdict.compareAndSet(null, own)) {
      lost.countDown();
      peers.forEach(peer -> tell(peer, own));
    }
  }

  /** Waits for word of a lost rank, which explains why an exchange with it failed. */
  public Optional<PeerLostException> verdict(Duration patience) {
    try {
      return lost.await(patience.toMillis(), TimeUnit.MILLISECONDS)
          ? Optional.of(verdict.get())
          : Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** Leaves; the others are not told of a loss. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (Peer peer : peers) {
      try (Socket _ = peer.socket) {
        peer.send(LEAVES);
      } catch (IOException e) {
        // It left before.
      }
    }
  }
}
