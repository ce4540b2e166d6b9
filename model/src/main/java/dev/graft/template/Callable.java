package dev.graft.template;

import java.util.List;
import java.util.Map;

/** What can be called: functions, methods of values, macros. */
interface Callable {
  Object call(List<Object> positional, Map<String, Object> named);
}
