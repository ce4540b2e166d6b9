package dev.graft.network;

/**
 * Whom a rank works with inside of a layer.
 *
 * @param tensor those that split heads, columns and vocabulary
 * @param experts those that deal out the experts
 */
public record LayerGroups(Exchange tensor, Exchange experts) {
  /** Nobody. */
  public static LayerGroups solo() {
    return new LayerGroups(Exchange.solo(), Exchange.solo());
  }
}
