package dev.graft.spark;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Brings what rank 0 prints from the host where it runs to the user's terminal. Each stream is a
 * connection that begins with a secret and the stream's number.
 */
final class OutputRelay implements AutoCloseable {
  private static final int SECRET_BYTES = 16;
  private static final int BACKLOG = 8;

  /** So that what a rank has said as it ended is heard. */
  private static final long DRAIN_MILLIS = 2000;

  private static final int ERR = 2;
  private static final int OUT = 1;

  /** Where to connect; goes to the tasks. */
  record Address(String host, int port, String secret) implements Serializable {
    /** Opens standard output or standard error. */
    OutputStream open(boolean err) throws IOException {
      Socket socket = new Socket(host, port);
      DataOutputStream stream = new DataOutputStream(socket.getOutputStream());
      stream.writeUTF(secret);
      stream.writeByte(err ? ERR : OUT);
      return stream;
    }
  }

  private final ServerSocket server;
  private final Address address;
  private final PrintStream out;
  private final PrintStream err;
  private final List<Thread> readers = new ArrayList<>();

  private OutputRelay(ServerSocket server, Address address, PrintStream out, PrintStream err) {
    this.server = server;
    this.address = address;
    this.out = out;
    this.err = err;
  }

  /**
   * Listens.
   *
   * @param host of this process, as the executors reach it
   */
  static OutputRelay open(String host, PrintStream out, PrintStream err) throws IOException {
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    ServerSocket server = new ServerSocket(0, BACKLOG, InetAddress.getByName(host));
    Address address = new Address(host, server.getLocalPort(), HexFormat.of().formatHex(secret));
    OutputRelay relay = new OutputRelay(server, address, out, err);
    Thread.ofPlatform().daemon().name("output-relay").start(relay::accept);
    return relay;
  }

  Address address() {
    return address;
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        Thread reader = Thread.ofPlatform().daemon().name("output").start(() -> copy(socket));
        synchronized (readers) {
          readers.add(reader);
        }
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void copy(Socket socket) {
    try (socket;
        DataInputStream stream =
            new DataInputStream(new BufferedInputStream(socket.getInputStream()))) {
      if (!stream.readUTF().equals(address.secret())) {
        return;
      }
      PrintStream to = stream.readByte() == ERR ? err : out;
      pass(stream, to);
    } catch (IOException e) {
      // The rank is gone, and its task says why.
    }
  }

  private static void pass(InputStream from, PrintStream to) throws IOException {
    byte[] some = new byte[8192];
    for (int n = from.read(some); n >= 0; n = from.read(some)) {
      to.write(some, 0, n);
      to.flush();
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    List<Thread> left;
    synchronized (readers) {
      left = List.copyOf(readers);
    }
    try {
      for (Thread reader : left) {
        reader.join(DRAIN_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
