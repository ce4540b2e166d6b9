package dev.graft.hub;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The proxies that the environment names as for curl: {@code https_proxy} and {@code http_proxy} by
 * scheme (also in capitals), except for the hosts and domains of {@code no_proxy}.
 */
final class EnvironmentProxy extends ProxySelector {
  private final Map<String, String> environment;

  EnvironmentProxy(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  @Override
  public List<Proxy> select(URI uri) {
    return List.of(proxy(uri).orElse(Proxy.NO_PROXY));
  }

  private Optional<Proxy> proxy(URI uri) {
    String name = uri.getScheme() + "_proxy";
    Optional<String> address = value(name);
    if (address.isEmpty() || excepted(uri.getHost())) {
      return Optional.empty();
    }
    String text = address.get().contains("://") ? address.get() : "http://" + address.get();
    URI proxy;
    try {
      proxy = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw unusable(name, address.get());
    }
    if (proxy.getHost() == null || !"http".equals(proxy.getScheme())) {
      throw unusable(name, address.get());
    }
    int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
    return Optional.of(
        new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port)));
  }

  private static InvalidInputException unusable(String name, String address) {
    return new InvalidInputException(
        "the variable %s is '%s', which is no proxy; set it to http://HOST:PORT"
            .formatted(name, address));
  }

  private Optional<String> value(String name) {
    return Stream.of(name, name.toUpperCase(Locale.ROOT))
        .map(environment::get)
        .filter(value -> value != null && !value.isBlank())
        .findFirst();
  }

  private boolean excepted(String host) {
    return value("no_proxy").stream()
        .flatMap(list -> Stream.of(list.split(",", -1)))
        .map(String::strip)
        .filter(entry -> !entry.isEmpty())
        .map(entry -> entry.startsWith(".") ? entry.substring(1) : entry)
        .anyMatch(entry -> entry.equals("*") || host.equals(entry) || host.endsWith("." + entry));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException cause) {
    // The request itself fails and says so.
  }
}
