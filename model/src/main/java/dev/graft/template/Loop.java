package dev.graft.template;

import java.util.List;

/**
 * {@code loop}: where a loop is.
 *
 * @param items what it goes through
 * @param index from 0
 * @param depth of loops around it, from 0
 */
record Loop(List<Object> items, int index, int depth) {
  Object get(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("loop.previtem");
      case "nextitem" ->
          index + 1 < items.size() ? items.get(index + 1) : new Undefined("loop.nextitem");
      case "cycle" -> (Callable) (choices, _) -> choices.get(index % choices.size());
      default -> new Undefined("loop." + name);
    };
  }
}
