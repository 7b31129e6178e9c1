"""Pages of the deliveries and of sending them again."""

from __future__ import annotations

from django.urls import URLPattern, path

from qqconsole.deliveries import audit_view, bulk_views, resend_views, views

urlpatterns: list[URLPattern] = [
    path("deliveries/", views.delivery_list, name="deliveries"),
    path("deliveries/<int:pk>/", views.delivery_detail, name="delivery"),
    path("deliveries/<int:pk>/written/", views.delivery_written, name="delivery_written"),
    path("deliveries/<int:pk>/resend/", resend_views.send_again, name="resend"),
    path("deliveries/<int:pk>/dismiss/", resend_views.dismissing, name="dismiss"),
    path("deliveries/<int:pk>/cancel/", resend_views.cancelling, name="cancel"),
    path("resends/", bulk_views.bulk_list, name="bulk_resends"),
    path("resends/preview/", bulk_views.bulk_preview, name="bulk_preview"),
    path("resends/<int:pk>/", bulk_views.bulk_detail, name="bulk_resend"),
    path("resends/<int:pk>/cancel/", bulk_views.bulk_cancel, name="bulk_cancel"),
    path("audit/", audit_view.audit, name="audit"),
]
